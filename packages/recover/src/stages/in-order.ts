/** Hands results on in the order of their numbers, however they come in. */
export class InOrder<Item> {
  readonly #take: (item: Item) => void;
  readonly #ahead: number;
  readonly #waiting = new Map<number, Item>();
  readonly #blocked: (() => void)[] = [];
  #next = 0;
  #closed = false;

  /**
   * @param take gets the items, 0 first
   * @param ahead how many items may wait for an earlier one
   */
  constructor(take: (item: Item) => void, ahead: number) {
    this.#take = take;
    this.#ahead = ahead;
  }

  /** Resolves when the item that all wait for is near enough for this one to be worked on, or nothing more will come. */
  async room(index: number): Promise<void> {
    while (!this.#closed && index > this.#next + this.#ahead)
      await new Promise<void>((resolve) => this.#blocked.push(resolve));
  }

  put(index: number, item: Item): void {
    this.#waiting.set(index, item);
    for (let next = this.#waiting.get(this.#next); next !== undefined; next = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next++);
      this.#take(next);
    }
    this.#wake();
  }

  /** Says that nothing more will come, so that nobody waits for room. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#blocked.splice(0)) resolve();
  }
}
