/** Entries of one comparison group that a pass could not decide yet: index and key, in order. */
export class FoundEntries {
  readonly indices: Int32Array;
  readonly keys: Int32Array;
  length = 0;
  /** More entries came than there is room for; what is here is not all. */
  overflowed = false;

  /** @param capacity room for so many entries; memory that is never written to is never touched */
  constructor(capacity: number) {
    this.indices = new Int32Array(capacity);
    this.keys = new Int32Array(capacity);
  }

  add(index: number, key: number): void {
    if (this.length === this.keys.length) {
      this.overflowed = true;
    } else {
      this.indices[this.length] = index;
      this.keys[this.length++] = key;
    }
  }

  addAll(indices: Int32Array, keys: Int32Array): void {
    if (this.length + keys.length > this.keys.length) {
      this.overflowed = true;
    } else {
      this.indices.set(indices, this.length);
      this.keys.set(keys, this.length);
      this.length += keys.length;
    }
  }
}
