import type { Consumer, Model, NodeProto, PrunableWeight } from "@espalier/onnx";
import { graphReaders } from "../graph-readers.js";

/** Values that are not computed: constants of the main graph. */
type Constants = ReadonlySet<string>;

/**
 * Residual connections: what is added to the output of a weight before anything else reads it, behind a bias at most.
 *
 * @returns names of weights → the other summand of the Add; absent where the output goes elsewhere, too, or nothing computed is
 *   added to it
 */
export function residualSummands(model: Model, weights: readonly PrunableWeight[]): ReadonlyMap<string, string> {
  const readers = graphReaders(model);
  const constants = constantsOf(model);
  const outputs = new Set(model.proto.graph?.output.map(({ name }) => name));
  return new Map(
    weights.flatMap((weight) => {
      const [consumer] = weight.consumers as [Consumer];
      if (weight.consumers.length !== 1 || consumer.scope !== "main") return [];
      const summand = summandBehind(consumer.proto, readers, constants, outputs);
      return summand === undefined ? [] : [[weight.name, summand] as const];
    }),
  );
}

function summandBehind(
  start: NodeProto,
  readers: ReadonlyMap<string, readonly NodeProto[]>,
  constants: Constants,
  outputs: ReadonlySet<string>,
): string | undefined {
  // At most a bias lies between.
  for (let node = start, step = 0; step < 2; step++) {
    const value = node.output[0]!;
    const [next, ...others] = readers.get(value) ?? [];
    if (next?.opType !== "Add" || others.length > 0 || outputs.has(value)) return undefined;
    const summand = next.input.find((name) => name !== value);
    if (summand === undefined) return undefined;
    if (!constants.has(summand)) return summand;
    node = next;
  }
  return undefined;
}

function constantsOf({ proto }: Model): Constants {
  const { initializer = [], node = [] } = proto.graph ?? {};
  const made = node.filter(({ opType }) => opType === "Constant").map(({ output }) => output[0]!);
  return new Set([...initializer.map(({ name }) => name), ...made]);
}
