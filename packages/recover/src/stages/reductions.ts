import {
  TensorProto_DataType as DataType,
  makeNode,
  makeTensor,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "@espalier/onnx";
import type { StageInput } from "./stage-input.js";
import type { ValueNames } from "./value-names.js";

/** Names of the values that say everything about a laid-out input in one run. */
export interface Reduction {
  /** float32 `[groups, inFeatures, inFeatures]`: `Σ x xᵀ`. */
  readonly gram: string;
  /** float32 `[groups, 2, inFeatures]`: `Σ x`, twice. */
  readonly sum: string;
  /** int64 `[1]`: how many positions are summed over. */
  readonly positions: string;
  /** Where both models see different things: `Σ x dᵀ` and `Σ d`, as above. */
  readonly dense?: { readonly cross: string; readonly sum: string };
  /** Names of weights → `Σ x δᵀ`, float32 `[1, inFeatures, outChannels]`, and `Σ δ`, float32 `[1, 2, outChannels]`: see `Drift`. */
  readonly drifts: ReadonlyMap<string, { readonly cross: string; readonly sum: string }>;
}

/** A residual connection: the other summand, laid out, in both models. */
export interface LaidOutResidual {
  readonly weight: string;
  readonly value: string;
  readonly twin: string;
}

/** A laid-out input as values of the graph. */
interface InputMatrix {
  /** `[groups, positions, inFeatures]`. */
  readonly rows: string;
  /** `[groups, inFeatures, positions]`. */
  readonly turned: string;
  /** That of the two which is computed, and where its positions are. */
  readonly computed: string;
  readonly positionsAxis: 1 | 2;
}

/** Gives a value of one input a name. */
type Naming = (kind: string) => string;

/**
 * Collects the nodes that reduce laid-out inputs.
 *
 * All are products, which ONNX Runtime adds up in blocks: sums of 100 000 equal numbers are off by 3e-6. ReduceSum adds one
 * after the other, and a product with one row of ones does, too: 1e-4 off. So there are two rows.
 */
export class Reductions {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[];
  readonly outputs: ValueInfoProto[] = [];
  readonly #names: ValueNames;

  constructor(names: ValueNames) {
    this.#names = names;
    this.initializers = [
      makeTensor(names.own("axis-1"), [1], BigInt64Array.of(1n)),
      makeTensor(names.own("axis-2"), [1], BigInt64Array.of(2n)),
      makeTensor(names.own("column"), [2, 1], Float32Array.of(1, 1)),
    ];
  }

  /**
   * Adds the nodes for one input.
   *
   * @param twin what its value is in the dense model, where that differs
   */
  add(index: number, input: StageInput, twin: string | undefined, residuals: readonly LaidOutResidual[]): Reduction {
    const name: Naming = (kind) => this.#names.own(kind, index);
    const x = this.#matrix(input, input.value, name);
    const d = twin === undefined ? undefined : this.#matrix(input, twin, (kind) => name(`dense-${kind}`));
    const positions = this.#positions(x, name);
    const ones = this.#ones(positions, name);
    const product = (a: string, b: string, kind: string): string =>
      this.#output(this.#node("MatMul", [a, b], name(kind)), DataType.FLOAT);
    const drift = ({ value, twin: before }: LaidOutResidual, number: number) => {
      const more = this.#node("Sub", [before, value], name(`drift-${number}`));
      const cross = product(x.turned, more, `drift-cross-${number}`);
      return { cross, sum: product(ones, more, `drift-sum-${number}`) };
    };
    return {
      gram: product(x.turned, x.rows, "gram"),
      sum: product(ones, x.rows, "sum"),
      positions: this.#output(positions, DataType.INT64),
      ...(d && { dense: { cross: product(x.turned, d.rows, "cross"), sum: product(ones, d.rows, "dense-sum") } }),
      drifts: new Map(residuals.map((residual, number) => [residual.weight, drift(residual, number)])),
    };
  }

  /** Both ways round; a product reads the one that is a Transpose of the other without carrying it out. */
  #matrix({ form, groups, inFeatures }: StageInput, value: string, name: Naming): InputMatrix {
    if (form === "positions") {
      const turned = this.#node("Transpose", [value], name("turned"), { perm: [0n, 2n, 1n] });
      return { rows: value, turned, computed: value, positionsAxis: 1 };
    }
    const together = this.#node("Transpose", [value], name("together"), { perm: [1n, 2n, 0n, 3n] });
    const shape = makeTensor(name("turned-shape"), [3], BigInt64Array.of(BigInt(groups), BigInt(inFeatures), -1n));
    this.initializers.push(shape);
    const turned = this.#node("Reshape", [together, shape.name], name("turned"));
    const rows = this.#node("Transpose", [turned], name("rows"), { perm: [0n, 2n, 1n] });
    return { rows, turned, computed: turned, positionsAxis: 2 };
  }

  #positions({ computed, positionsAxis }: InputMatrix, name: Naming): string {
    const shape = this.#node("Shape", [computed], name("shape"));
    return this.#node("Gather", [shape, this.#names.own(`axis-${positionsAxis}`)], name("positions"), { axis: 0n });
  }

  /** float32 `[2, positions]`. */
  #ones(positions: string, name: Naming): string {
    // The number 1 of the axis, as a size.
    const repeats = this.#node("Concat", [this.#names.own("axis-1"), positions], name("repeats"), { axis: 0n });
    return this.#node("Tile", [this.#names.own("column"), repeats], name("ones"));
  }

  #node(
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Parameters<typeof makeNode>[3] = {},
  ): string {
    this.nodes.push(makeNode(op, inputs, [output], attributes));
    return output;
  }

  #output(name: string, elemType: DataType): string {
    this.outputs.push(makeValueInfo(name, elemType));
    return name;
  }
}
