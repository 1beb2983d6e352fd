import { type Dim, type Factor, product } from "./dim.js";

/**
 * The shape after a Reshape: the same entries in the same order, cut into other axes.
 *
 * @param from factors of the whole value, in order
 * @param targets sizes asked for; `"rest"` is what the others leave, once at most
 * @param known numbers that stand behind names, for models that fix a size which is named elsewhere
 * @returns for each target the factors that it covers; undefined where cuts go through a named size, so that what an
 *   axis runs over cannot be told
 */
export function regroup(
  from: Dim,
  targets: readonly (Dim | "rest")[],
  known: ReadonlyMap<string, number> = new Map(),
): readonly Dim[] | undefined {
  const split = targets.indexOf("rest");
  const before = targets.slice(0, split < 0 ? targets.length : split) as Dim[];
  const after = split < 0 ? [] : (targets.slice(split + 1) as Dim[]);
  let left: Factor[] = [...from];
  const front = takeAll(before, (target) => takeFront(left, target, known));
  left.reverse();
  const back = takeAll([...after].reverse(), (target) => takeFront(left, target, known));
  left = product([...left].reverse()) as Factor[];
  if (front === undefined || back === undefined) return undefined;
  if (split < 0) return left.length === 0 ? front.map((dim) => product(dim)) : undefined;
  const rest = left as Dim;
  return [...front, rest, ...back.reverse().map((dim) => [...dim].reverse())].map((dim) => product(dim));
}

function takeAll(targets: readonly Dim[], take: (target: Dim) => Dim | undefined): Dim[] | undefined {
  const taken = targets.map(take);
  return taken.every((dim) => dim !== undefined) ? taken : undefined;
}

/** Moves factors from the front of `left` until they make up `target`; undefined where they do not. */
function takeFront(left: Factor[], target: Dim, known: ReadonlyMap<string, number>): Dim | undefined {
  const names = target.filter((factor) => typeof factor === "string");
  let number = target.reduce<number>((all, factor) => (typeof factor === "number" ? all * factor : all), 1);
  const taken: Factor[] = [];
  while (names.length > 0 || number !== 1) {
    const head = left.shift();
    if (head === undefined || head === 0 || number === 0) return undefined;
    if (typeof head === "number") {
      if (number % head === 0) {
        taken.push(head);
        number /= head;
      } else if (head % number === 0 && number !== 1) {
        taken.push(number);
        left.unshift(head / number);
        number = 1;
      } else return undefined;
      continue;
    }
    const index = names.indexOf(head);
    const size = known.get(head);
    if (index >= 0) names.splice(index, 1);
    else if (size !== undefined && number % size === 0) number /= size;
    else return undefined;
    taken.push(head);
  }
  return taken;
}
