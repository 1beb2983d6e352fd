import { type Body, type BodyPlace, placesAround } from "./bodies.js";
import { OnnxError } from "./errors.js";
import type { BodyChange, ResolvedRewrite } from "./rewrite-graph.js";
import { namesIn, nameTaken, readNames } from "./value-names.js";

/**
 * Checks that every new value has a name that nothing it sees and nothing that sees it has, and that every value is still there
 * that is read.
 *
 * @param bodies what has become of the bodies in which something changes
 */
export function checkNames(rewrite: ResolvedRewrite, bodies: ReadonlyMap<Body, Body>): void {
  const names = new ValueNames(rewrite);
  for (const change of rewrite.changes) {
    names.claim(change, rewrite);
    const read = readNames(bodies.get(change.place.body)!);
    for (const name of namesIn(change.place.body)) {
      if (!read.has(name) || names.isSeen(change.place, name)) continue;
      const message = `the value ${JSON.stringify(name)} is still read, but the rewrite removes what computes it`;
      throw new OnnxError("malformed", message);
    }
  }
}

/** The names of values by the body that defines them: what a rewrite keeps, and what it has claimed. */
class ValueNames {
  readonly #own = new Map<BodyPlace, Set<string>>();
  /** Names that bodies inside a changed one keep. */
  readonly #below = new Map<BodyPlace, Set<string>>();

  constructor({ places, changes, replace, remove, removeInputs }: ResolvedRewrite) {
    const gone = new Set<unknown>([...replace.keys(), ...remove, ...removeInputs]);
    for (const { place } of changes) this.#below.set(place, new Set());
    for (const place of places) {
      const names = namesIn(place.body, (one) => !gone.has(one));
      this.#own.set(place, names);
      for (const around of placesAround(place)) {
        const below = this.#below.get(around);
        if (below !== undefined) for (const name of names) below.add(name);
      }
    }
  }

  /** Whether a name stands for a value where this body reads it. */
  isSeen(place: BodyPlace, name: string): boolean {
    return [place, ...placesAround(place)].some((one) => this.#own.get(one)!.has(name));
  }

  /** @throws {OnnxError} `malformed` when a name is taken */
  claim({ place, prepend, dense, sparse }: BodyChange, { replace }: ResolvedRewrite): void {
    const own = this.#own.get(place)!;
    const before = namesIn(place.body);
    const substitutes = place.body.node.flatMap((node) => replace.get(node) ?? []);
    const tensors = [...dense, ...sparse.map(({ values }) => values!)].map(({ name }) => name);
    for (const name of [...tensors, ...[...prepend, ...substitutes].flatMap(({ output }) => output)]) {
      if (name === "") continue;
      // A name that hid another one, or was hidden, may go on to do so.
      const isTaken = before.has(name) ? own.has(name) : this.isSeen(place, name) || this.#below.get(place)!.has(name);
      if (isTaken) throw nameTaken("value", name);
      own.add(name);
    }
  }
}
