import { TensorProto_DataType as DataType } from "@espalier/onnx";
import { intOf, textOf } from "../attributes.js";
import { activation, type MeasuredOperator, type Measuring, type Site } from "../measuring.js";
import { counting } from "../operators-by-version.js";
import { layOutRows, measureRows, type Rows, rowsOf } from "../rows.js";
import { Unmeasurable } from "../unmeasurable.js";
import { measureState } from "./recurrent-state.js";

/** LSTM, GRU and RNN: W sees the input X, R the hidden state of the step before. */
export const recurrent: MeasuredOperator = {
  ops: ["LSTM", "GRU", "RNN"],
  measure(site, measuring) {
    requireLayout(site);
    if (site.input === INPUT_WEIGHT) return measureRows(measuring, inputRows(site, measuring));
    return measureState(site, measuring, sequence(site, measuring));
  },
  layOut(site, measuring) {
    requireLayout(site);
    if (site.input === INPUT_WEIGHT) return layOutRows(measuring, inputRows(site, measuring));
    throw new Unmeasurable("there are no Gram matrices for recurrent weights");
  },
};

/** Where W arrives. */
const INPUT_WEIGHT = 1;

/** ONNX Runtime runs no other layout than 0, so that nothing else could be tried. */
function requireLayout({ node }: Site): void {
  if (intOf(node, "layout", 0) !== 0) throw new Unmeasurable(`its ${node.opType} has layout 1, which is not supported`);
}

/** Steps of a recurrent node: X is `[steps, batch, features]`. */
export interface Sequence {
  /** int64 `[1]` each. */
  readonly steps: string;
  readonly batch: string;
  /** int64 `[1, batch]`: steps of each sample that are run; absent = all. */
  readonly lengths?: string;
  /** `forward`, `reverse` or `bidirectional`. */
  readonly direction: string;
}

function sequence({ node }: Site, { graph, sizes, shapes }: Measuring): Sequence {
  const x = node.input[0]!;
  const shape = shapes.of(x);
  const given = node.input[4] ?? "";
  const lengths =
    given === ""
      ? undefined
      : graph.op("Reshape", [graph.op("Cast", [given], { to: BigInt(DataType.INT64) }), graph.integers([1, -1])]);
  return {
    steps: sizes.of(shape?.[0], x, 0),
    batch: sizes.of(shape?.[1], x, 1),
    ...(lengths && { lengths }),
    direction: textOf(node, "direction") ?? "forward",
  };
}

/** Both directions read the same X, one from its end. */
function inputRows(site: Site, measuring: Measuring): Rows {
  const { graph } = measuring;
  const { node, weight } = site;
  const x = node.input[0]!;
  const { symbols } = measuring.shapes;
  const shape = measuring.shapes.of(x) ?? [symbols.fresh(), symbols.fresh(), symbols.fresh()];
  const rows = rowsOf(measuring, { value: activation(measuring, site, x), shape, isLast: true }, weight.inFeatures);
  const { lengths, steps } = sequence(site, measuring);
  if (lengths === undefined) return rows;
  const isRun = graph.op("Less", [graph.op("Transpose", [counting(graph, steps)], { perm: [1n, 0n] }), lengths]);
  return { ...rows, keep: graph.op("Reshape", [isRun, graph.integers([-1, 1])]) };
}
