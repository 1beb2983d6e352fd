import type { StatisticsFile } from "./statistics-file.js";
import { writeStatisticsFile } from "./write-statistics-file.js";

/**
 * Keeps a file up to date while shards come in. Each change starts a write unless one is under way; then a single further
 * write follows with everything that came meanwhile. So workers never wait for the disk, however slow it is.
 */
export class Checkpoint {
  readonly #path: string;
  readonly #snapshot: () => StatisticsFile;
  #writing: Promise<void> | undefined;
  #changed = false;
  #failure: unknown;

  /** @param snapshot the content to write; must not change once it is handed out */
  constructor(path: string, snapshot: () => StatisticsFile) {
    this.#path = path;
    this.#snapshot = snapshot;
  }

  /**
   * Says that there is something new to write.
   *
   * @throws {StatisticsError} `write-failed` when an earlier write failed
   */
  changed(): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#changed = true;
    this.#writing ??= this.#write();
  }

  /**
   * Waits until everything is on disk.
   *
   * @throws {StatisticsError} `write-failed`
   */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #write(): Promise<void> {
    try {
      while (this.#changed) {
        this.#changed = false;
        await writeStatisticsFile(this.#path, this.#snapshot());
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#writing = undefined;
    }
  }
}
