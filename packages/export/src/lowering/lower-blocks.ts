import { type Model, type NodeProto, rewriteGraph, tensorByteLength } from "@espalier/onnx";
import { ExportError } from "../export-error.js";
import { chooseForm } from "./choose-form.js";
import { type FoundWeight, findLayers } from "./find-layers.js";
import { GraphIndex } from "./graph-index.js";
import type { BlockLayer, BlockSize, Choice, Form, LoweredForm } from "./layer.js";
import { lowerConv } from "./lower-conv.js";
import { addsBiasItself, type Lowering, lowerProduct } from "./lower-product.js";
import { LoweredInputs } from "./lowered-inputs.js";
import { type LowerOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { PackedWeight } from "./packed-weight.js";
import { RewriteWriter } from "./rewrite-writer.js";
import type { Site } from "./sites.js";
import { unreadWithout } from "./unread.js";
import { WeightReader } from "./weight-values.js";

/** What became of one prunable weight. */
export interface LoweredWeight {
  readonly name: string;
  readonly form: Form;
  /** One sentence: why this form, or why it stays dense. */
  readonly reason: string;
  /** The blocks it was cut into; absent where none are known. */
  readonly blocks?: BlockSize;
  /** Entries that are multiplied, as a fraction of all; 1 for dense ones whose blocks were not looked at. */
  readonly density: number;
  /** Expected time of the dense operator / time of this form; absent where it stays dense or nothing is known. */
  readonly speedup?: number;
  readonly bytesBefore: number;
  /** Bytes of the packed constants in its place. */
  readonly bytesAfter: number;
}

/** A lowered model and what was done to each of its prunable weights, in the model's order. */
export interface LoweredModel {
  /** The given model itself where no weight was lowered. */
  readonly model: Model;
  readonly report: readonly LoweredWeight[];
}

/** A weight that is to be lowered. */
interface Planned {
  readonly found: FoundWeight & { readonly layer: BlockLayer };
  readonly form: LoweredForm;
  readonly packed: PackedWeight;
}

/**
 * A model whose block-pruned weights are computed from the blocks they keep, by standard operators: a Gather of the inputs
 * that a block-column keeps and a smaller product, in the form that suits its size. It computes what the pruned dense model
 * computes, up to the order of additions, on every runtime that has ONNX's operators of opset 11.
 *
 * What is left out is found from the zeros themselves, so blocks that do not fit a weight's zeros lose nothing but speed.
 * A weight stays dense where lowering would not make it faster, or where the graph does not allow it: the report says why.
 * Zeros are left out also where an input is infinite or NaN, which times zero would be NaN.
 *
 * With `values: "int8"` products are computed as dense dynamic quantisation computes them: the input is quantised to uint8
 * over its whole range, the weight to int8 per out channel. The integers are exactly those of the dense int8 product.
 * (x86 without VNNI adds pairs of products in 16 bits, which may overflow there, dense or not.)
 *
 * Names of the model's values stay. Packed bytes are computed when the model is written, one weight at a time.
 *
 * @throws {ExportError} `invalid-run` for options, and where `choose` names a form that a weight does not have
 * @throws {CoreError} `invalid-pattern` for blocks that are no sizes
 * @throws {OnnxError} when a weight cannot be read
 */
export function lowerBlocks(model: Model, options: LowerOptions = {}): LoweredModel {
  const resolved = resolveOptions(options);
  const index = new GraphIndex(model);
  const reader = new WeightReader();
  const writer = new RewriteWriter(index.freePrefix("blocks"));
  const planned: Planned[] = [];
  const entries: (() => LoweredWeight)[] = [];
  for (const found of findLayers(index, reader, resolved)) {
    const choice = choiceFor(found, resolved);
    const { weight, layer, layout } = found;
    if (layer === undefined || choice.form === "dense") {
      entries.push(() => reportOf(found, choice, undefined));
      continue;
    }
    const packed = new PackedWeight({ weight, layout, reader }, writer);
    planned.push({ found, form: choice.form, packed });
    entries.push(() => reportOf(found, choice, packed.bytes));
  }
  const lowered = planned.length === 0 ? model : rewritten(index, writer, planned);
  return { model: lowered, report: entries.map((entry) => entry()) };
}

/**
 * The weights of a model that {@link lowerBlocks} with these options could lower, for callers that time their forms first.
 *
 * @throws what {@link lowerBlocks} throws
 */
export function blockLayers(model: Model, options: Omit<LowerOptions, "choose"> = {}): readonly BlockLayer[] {
  const found = [...findLayers(new GraphIndex(model), new WeightReader(), resolveOptions(options))];
  return found.flatMap(({ layer }) => layer ?? []);
}

function choiceFor(found: FoundWeight, { choose }: ResolvedOptions): Choice {
  if (found.layer === undefined) return { form: "dense", reason: found.reason };
  const { layer, sites } = found;
  const byRule = chooseForm(layer);
  const chosen = choose(layer, byRule);
  const choice = typeof chosen === "string" ? { form: chosen, reason: "chosen by the caller" } : chosen;
  if (choice.form === "dense") return choice;
  if (!layer.forms.includes(choice.form)) {
    const message = `the form "${choice.form}" was chosen for ${JSON.stringify(layer.weight)}, which has ${layer.forms.join(", ")}`;
    throw new ExportError("invalid-run", message, { weight: layer.weight });
  }
  if (choice.form === "multi" && sites.some((site) => site.kind === "conv" && site.normalized)) {
    const reason = "a BatchNormalization behind it would no longer be folded into it, which costs more than it saves";
    return { form: "dense", reason };
  }
  return choice;
}

function rewritten(index: GraphIndex, writer: RewriteWriter, planned: readonly Planned[]): Model {
  const inputs = new LoweredInputs(index, writer);
  const replace = new Map<NodeProto, readonly NodeProto[]>();
  for (const { site, lowering } of inGraphOrder(planned, index, writer, inputs)) {
    if (site.kind === "conv") lowerConv(site, lowering);
    else lowerProduct(site, lowering);
    replace.set(site.node, writer.take());
    if (site.kind === "product" && site.bias?.add && addsBiasItself(site, lowering)) replace.set(site.bias.add, []);
  }
  const stillRead = new Set([...replace.values()].flat().flatMap(({ input }) => input));
  const unread = unreadWithout(new Set(replace.keys()), stillRead, index);
  for (const node of unread.nodes) replace.set(node, []);
  const { initializers } = writer;
  return rewriteGraph(index.model, {
    replace,
    remove: unread.initializers,
    removeInputs: unread.inputs,
    initializers,
  });
}

/** The sites of all weights in the order of their nodes: what several of them read is computed at the first. */
function inGraphOrder(planned: readonly Planned[], index: GraphIndex, writer: RewriteWriter, inputs: LoweredInputs) {
  const position = new Map(index.nodes.map((node, at) => [node, at]));
  const sites = planned.flatMap(({ found, form, packed }) => {
    const { layout, layer } = found;
    const { outChannels, inFeatures, values } = layer;
    const quantized = values === "int8";
    const lowering: Lowering = { index, writer, inputs, layout, packed, form, outChannels, inFeatures, quantized };
    return found.sites.map((site: Site) => ({ site, lowering }));
  });
  return sites.sort((a, b) => position.get(a.site.node)! - position.get(b.site.node)!);
}

function reportOf(found: FoundWeight, choice: Choice, bytes: number | undefined): LoweredWeight {
  const { weight, blocks } = found;
  const bytesBefore = tensorByteLength(weight.tensor);
  return {
    name: weight.name,
    form: choice.form,
    reason: choice.reason,
    ...(blocks && { blocks }),
    density: found.layer?.density ?? 1,
    ...(choice.speedup !== undefined && { speedup: choice.speedup }),
    bytesBefore,
    bytesAfter: bytes ?? bytesBefore,
  };
}
