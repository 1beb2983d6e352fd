import type { ProgressEvent } from "../progress.js";
import { printable } from "./table.js";

const FIRST_AFTER_MS = 1000;
const TERMINAL_EVERY_MS = 100;
const LOG_EVERY_MS = 10_000;

/** Draws progress on standard error: one line that updates itself on a terminal, a line now and then elsewhere. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #start = performance.now();
  #phaseStart = performance.now();
  #phase = "";
  #last = Number.NEGATIVE_INFINITY;
  #drawn = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Shows an event, unless the work is younger than a second or the last line is too fresh. */
  show(event: ProgressEvent): void {
    const now = performance.now();
    if (event.phase !== this.#phase) {
      this.#phase = event.phase;
      this.#phaseStart = now;
    }
    const every = this.#stream.isTTY ? TERMINAL_EVERY_MS : LOG_EVERY_MS;
    if (now - this.#start < FIRST_AFTER_MS || now - this.#last < every) return;
    this.#last = now;
    const line = progressText(event, (now - this.#phaseStart) / 1000);
    if (!this.#stream.isTTY) {
      this.#stream.write(`${line}\n`);
      return;
    }
    this.#drawn = true;
    this.#stream.write(`\r\x1b[2K${line.slice(0, (this.#stream.columns || 80) - 1)}`);
  }

  /** Clears the line, so that what follows starts on a clean one. */
  end(): void {
    if (this.#drawn) this.#stream.write("\r\x1b[2K");
    this.#drawn = false;
  }
}

/** `masks 3/10, 12.3/s, 1 s left (layer0/ffn/up)`; `seconds` is the time spent in this phase so far. */
export function progressText({ phase, done, total, item }: ProgressEvent, seconds: number): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const left = total === undefined ? "" : `, ${Math.ceil((total - done) / rate)} s left`;
  const speed = rate > 0 ? `, ${rate.toFixed(1)}/s${left}` : "";
  return `${phase} ${done}${total === undefined ? "" : `/${total}`}${speed}${item ? ` (${printable(item)})` : ""}`;
}
