/** Gives every name once: a name that was given before gets `#2`, `#3`, … */
export class UniqueNames {
  /** Names given, with the highest number tried behind each. */
  readonly #given = new Map<string, number>();

  /** This name, or the next free one like it. */
  add(name: string): string {
    let unique = name;
    let number = this.#given.get(name) ?? 1;
    while (this.#given.has(unique)) unique = `${name}#${++number}`;
    this.#given.set(unique, 1);
    if (unique !== name) this.#given.set(name, number);
    return unique;
  }
}
