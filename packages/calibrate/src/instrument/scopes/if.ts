import { TensorProto_DataType as DataType, makeTensor, makeValueInfo, type NodeProto } from "@espalier/onnx";
import { changed } from "../changed.js";
import { Unmeasurable } from "../unmeasurable.js";
import type { GraphScope } from "./graph-scope.js";
import type { Holder, Measured, WayOut } from "./way-out.js";

/** A value of one branch that becomes an output of the If. */
interface BranchExit {
  readonly inner: Measured;
  readonly branch: string;
  /** Name of the output. */
  readonly result: string;
}

/** Values measured in a branch become outputs of the If; the other branch puts out zeros for them. */
export function wayOutOfIf({ node, outer, subgraphs }: Holder): WayOut {
  const exits = new Map<string, BranchExit>();
  return {
    carry(inner, branch) {
      requireZeros(outer);
      // Every branch puts out something: where one cannot, it has to be known now.
      for (const scope of subgraphs.values()) scope.measuring();
      const key = JSON.stringify([branch, inner.name]);
      const known = exits.get(key);
      const result = known?.result ?? outer.measuring().graph.name("measured");
      exits.set(key, { inner, branch, result });
      return { ...inner, name: result };
    },
    rebuilt(needed) {
      const wanted = [...exits.values()].filter(({ result }) => needed.has(result));
      return wanted.length === 0 ? [node] : [rebuiltIf(node, subgraphs, wanted)];
    },
  };
}

function rebuiltIf(
  node: NodeProto,
  subgraphs: ReadonlyMap<string, GraphScope>,
  exits: readonly BranchExit[],
): NodeProto {
  const attribute = node.attribute.map((one) => {
    const scope = subgraphs.get(one.name);
    if (scope === undefined) return one;
    const { graph } = scope.measuring();
    const values = exits.map(({ inner: { name, type, length }, branch }) => {
      const zeros = () =>
        graph.op("ConstantOfShape", [graph.integers([length])], {
          value:
            type === DataType.INT64
              ? makeTensor("", [1], BigInt64Array.of(0n))
              : makeTensor("", [1], Float32Array.of(0)),
        });
      // Outputs need names of their own, and values from outside and constants cannot be outputs.
      return makeValueInfo(graph.alias(branch === one.name ? name : zeros()), type, [length]);
    });
    return changed(one, { g: scope.rebuilt({ outputs: { at: scope.graph.output.length, values } }) });
  });
  return changed(node, { attribute, output: [...node.output, ...exits.map(({ result }) => result)] });
}

/** @throws {Unmeasurable} where zeros cannot be made */
export function requireZeros(scope: GraphScope): void {
  if (scope.measuring().graph.opset < 9)
    throw new Unmeasurable("it stands inside a subgraph, which needs a model of opset 9 or later");
}
