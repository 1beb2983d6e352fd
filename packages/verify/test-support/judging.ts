import { computeMasks, l1, type Mask, type Pattern } from "@espalier/core";
import { applyMasks } from "@espalier/export";
import {
  decodeModel,
  encodeModel,
  type Model,
  prunableWeights,
  tensorBytes,
  walkTensors,
  withTensorData,
} from "@espalier/onnx";
import { type Check, type VerifyOptions, verifyPruned } from "@espalier/verify";

/** The model written and read again, as a file would be. */
export function reread(model: Model): Model {
  return decodeModel(encodeModel(model));
}

/**
 * All prunable weights of a model pruned by magnitude, with a record.
 *
 * @param change another mask for a weight @default the criterion's
 */
export function pruned(
  model: Model,
  pattern: Pattern,
  change: (name: string, mask: Mask) => Mask = (_, mask) => mask,
): Model {
  const weights = prunableWeights(model).filter((weight) => weight.prunable);
  const criterion = l1();
  const computed = [...computeMasks(weights, { criterion, pattern })];
  const masks = new Map(computed.map(([name, { mask }]) => [name, change(name, mask)]));
  return reread(applyMasks(model, weights, masks, { tool: "test 1.0", criterion, pattern }));
}

/** The model with the bytes of one of its tensors changed. */
export function edited(model: Model, name: string, change: (bytes: Uint8Array<ArrayBuffer>) => void): Model {
  const tensor = [...walkTensors(model.proto)].map((entry) => entry.tensor).find((one) => one.name === name)!;
  const changed = (): Uint8Array => {
    const bytes = tensorBytes(model, tensor);
    change(bytes);
    return bytes;
  };
  return reread(withTensorData(model, new Map([[tensor, changed]])));
}

/** What `verifyPruned` finds, by the names of checks. */
export async function checksOf(
  original: Model,
  judged: Model,
  options: Partial<VerifyOptions> = {},
): Promise<ReadonlyMap<string, Check>> {
  const { checks } = await verifyPruned({ original, pruned: judged, ...options });
  return new Map(checks.map((check) => [check.name, check]));
}

/** The messages of the checks that fail, by their names. */
export async function failuresOf(
  original: Model,
  judged: Model,
  options: Partial<VerifyOptions> = {},
): Promise<Record<string, string>> {
  const checks = [...(await checksOf(original, judged, options)).values()];
  const failed = checks.filter(({ status }) => status === "failed");
  return Object.fromEntries(failed.map(({ name, message }) => [name, message]));
}
