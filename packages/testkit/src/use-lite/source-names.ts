const VARIABLES = "module/Encoder_en";
const ENCODE = "module_apply_default/Encoder_en/KonaTransformer/Encode";

/** Weights outside the layers, and the one projection that only the first layer has. */
const SINGLE: Readonly<Record<string, string>> = Object.freeze({
  "embedding/table": "module/Embeddings_en",
  "timing/inverse_timescales": `${ENCODE}/TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1`,
  "layer0/residual/weight": `${ENCODE}/Layer_0/TransformerLayer/dense/kernel/ConcatPartitions/concat`,
  "layer0/residual/bias": `${ENCODE}/Layer_0/TransformerLayer/dense/bias/ConcatPartitions/concat`,
  "head/weight": `${VARIABLES}/hidden_layers/tanh_layer_0/weights`,
  "head/bias": `${VARIABLES}/hidden_layers/tanh_layer_0/bias`,
});

/**
 * The name under which the tfjs package keeps a weight of the ONNX graph.
 *
 * @param name such as `layer1/ffn/up/weight`
 * @throws {RangeError} when USE-lite has no such weight
 */
export function sourceName(name: string): string {
  const single = SINGLE[name];
  if (single !== undefined) return single;
  const [, layer, rest] = /^layer([01])\/(.+)$/.exec(name) ?? [];
  const path = layer === undefined ? undefined : layerNames(layer)[rest!];
  if (path === undefined) throw new RangeError(`USE-lite has no weight called ${name}`);
  return path;
}

function layerNames(layer: string): Readonly<Record<string, string>> {
  const part = `${ENCODE}/Layer_${layer}/TransformerLayer`;
  const kernels = `${VARIABLES}/KonaTransformer/Encode/Layer_${layer}/TransformerLayer/MultiheadAttention`;
  // The package folded a reshape into these two; the variables themselves are gone.
  const folded = `${ENCODE}/TransformerStack/Layer_${layer}/TransformerLayer/FFN`;
  const merged = "ConcatPartitions/concat";
  return {
    "attention/norm/scale": `${part}/layer_prepostprocess/layer_norm/layer_norm_scale/${merged}`,
    "attention/norm/bias": `${part}/layer_prepostprocess/layer_norm/layer_norm_bias/${merged}`,
    "attention/qkv/weight": `${kernels}/qkv_transform_single/kernel/part_0`,
    "attention/qkv/bias": `${part}/MultiheadAttention/qkv_transform_single/bias/${merged}`,
    "attention/output/weight": `${kernels}/output_transform_single/kernel/part_0`,
    "attention/output/bias": `${part}/MultiheadAttention/output_transform_single/bias/${merged}`,
    "ffn/norm/scale": `${part}/FFN/layer_prepostprocess/layer_norm/layer_norm_scale/${merged}`,
    "ffn/norm/bias": `${part}/FFN/layer_prepostprocess/layer_norm/layer_norm_bias/${merged}`,
    "ffn/up/weight": `${folded}/conv1/Tensordot/Reshape_1`,
    "ffn/up/bias": `${part}/FFN/conv1/bias/${merged}`,
    "ffn/down/weight": `${folded}/conv2/Tensordot/Reshape_1`,
    "ffn/down/bias": `${part}/FFN/conv2/bias/${merged}`,
  };
}
