import { textOf } from "../attributes.js";
import { activation, type MeasuredOperator, type Measuring, type Site } from "../measuring.js";
import { layOutRows, measureRows, type Rows, rowsOf } from "../rows.js";
import { fixed, product, type Shape, sizesOf } from "../shapes/dim.js";
import { requireNoTokens } from "../token-mask.js";
import { Unmeasurable } from "../unmeasurable.js";

/**
 * Einsum of two operands. Labels of the weight that are summed over are its features, in the order in which it stores them;
 * those that also stand in the result and in the other operand number its groups; all others of that operand are positions.
 */
export const einsum: MeasuredOperator = {
  ops: ["Einsum"],
  measure(site, measuring) {
    const rows = einsumRows(site, measuring);
    if (site.weight.groups === 1) return measureRows(measuring, rows);
    requireNoTokens(measuring, rows.positions);
    return measureRows({ ...measuring, mask: undefined }, rows);
  },
  layOut(site, measuring) {
    if (site.weight.groups > 1) throw new Unmeasurable("there are no Gram matrices for batches of matrices");
    return layOutRows(measuring, einsumRows(site, measuring));
  },
};

function einsumRows(site: Site, measuring: Measuring): Rows {
  const { node, input } = site;
  const name = node.input[1 - input]!;
  return rowsByLabels(measuring, labelsOf(textOf(node, "equation") ?? "", input), {
    value: activation(measuring, site, name),
    shape: measuring.shapes.of(name),
    sizes: weightSizes(site, measuring),
  });
}

interface Operand {
  readonly value: string;
  readonly shape: Shape | undefined;
  /** Sizes of the labels of the weight. */
  readonly sizes: readonly number[];
}

/** Positions first, groups and features last, in the order of the weight. */
function rowsByLabels(measuring: Measuring, { weight, data, output }: Labels, operand: Operand): Rows {
  const { graph } = measuring;
  const { value, sizes } = operand;
  const groups = weight.filter((label) => output.includes(label) && data.includes(label));
  const features = weight.filter((label) => !output.includes(label));
  const kept = [...groups, ...features];
  const order = [...data.filter((label) => !kept.includes(label)), ...kept];
  const turned = graph.op("Einsum", [value], { equation: `${data.join("")}->${order.join("")}` });
  // A label may have size 1 here and be broadcast to the size that it has in the weight.
  const widths = kept.map((label) => sizes[weight.indexOf(label)]!);
  const full = graph.op("Expand", [turned, graph.integers(widths)]);
  const positions = order.slice(0, -kept.length).map((label) => operand.shape?.[data.indexOf(label)]);
  const known = positions.every((dim) => dim !== undefined) && operand.shape?.length === data.length;
  const width = widths.reduce((all, size) => all * size, 1);
  const shape = known ? [product(...positions), fixed(width)] : undefined;
  const flat = graph.op("Reshape", [full, graph.integers([-1, width])]);
  return rowsOf(measuring, { value: flat, shape, isLast: true }, width);
}

function weightSizes({ node, input }: Site, { shapes }: Measuring): readonly number[] {
  const sizes = sizesOf(shapes.of(node.input[input]!));
  if (sizes === undefined) throw new Unmeasurable("the shape in which it reaches its Einsum is not known");
  return sizes;
}

interface Labels {
  readonly weight: readonly string[];
  readonly data: readonly string[];
  readonly output: readonly string[];
}

function labelsOf(equation: string, input: number): Labels {
  const [left = "", right] = equation.replaceAll(" ", "").split("->");
  const operands = left.split(",");
  if (operands.length !== 2 || equation.includes("...")) throw new Unmeasurable("its Einsum has an ellipsis");
  const [weight, data] = (input === 0 ? operands : [...operands].reverse()).map((text) => [...text]);
  return { weight: weight!, data: data!, output: [...(right ?? implicitOutput(left))] };
}

/** Without an arrow the result has every label that occurs once, in alphabetical order. */
function implicitOutput(left: string): string {
  const labels = [...left].filter((label) => label !== ",");
  return labels
    .filter((label) => labels.indexOf(label) === labels.lastIndexOf(label))
    .sort()
    .join("");
}
