import type { ServerResponse } from "node:http";
import { decodeMessage, encodeMessage, type Message } from "./message.js";

interface PendingCall {
  readonly message: Message;
  resolve(reply: Message): void;
  reject(error: unknown): void;
}

/** Calls into one page, which asks for them; one at a time, in order. */
export class PageCalls {
  readonly #queue: PendingCall[] = [];
  #asking: ServerResponse | undefined;
  #answering: PendingCall | undefined;
  #ended: unknown;

  /** @throws what {@link PageCalls.end} was given */
  call(message: Message): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#queue.push({ message, resolve, reject });
      this.#next();
    });
  }

  /** The page asks for the next call, and brings the reply to the one before. */
  ask(reply: ArrayBuffer, response: ServerResponse): void {
    this.#answering?.resolve(decodeMessage(reply));
    this.#answering = undefined;
    this.#asking = response;
    // No browser waits for ever for the first byte; for the rest it does.
    response.flushHeaders();
    this.#next();
  }

  /** The page is no more: all calls fail, now and later. */
  end(error: unknown): void {
    this.#ended ??= error;
    for (const { reject } of [this.#answering, ...this.#queue.splice(0)].filter((call) => call !== undefined)) {
      reject(error);
    }
    this.#answering = undefined;
    this.#asking?.destroy();
    this.#asking = undefined;
  }

  #next(): void {
    if (this.#asking === undefined) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#answering = next;
    for (const chunk of encodeMessage(next.message)) this.#asking.write(chunk);
    this.#asking.end();
    this.#asking = undefined;
  }
}
