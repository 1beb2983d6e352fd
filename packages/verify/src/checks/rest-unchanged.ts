import { PRUNING_RECORD_KEY, type PruningStep } from "@espalier/core";
import { type Model, metadata, prunableWeights, type TensorProto, tensorValues } from "@espalier/onnx";
import { comparable } from "../reading/comparable.js";
import type { Reading, ReadTensor } from "../reading/reading.js";
import { structuralDifferences } from "../structure.js";
import { tensorDifferences } from "../tensor-differences.js";
import { type CheckDefinition, counted, noneAllowed } from "./check-definition.js";

/** Differences in a message; one mistake of a rewriter often shows in several places. */
const SHOWN = 3;

/**
 * Everything but prunable weights, tensors that the record calls changed, and the record itself is as it was: graphs, nodes, attributes, functions, opset imports,
 * metadata, and the numbers of every other tensor. How numbers are stored (which field, which file, which encoding) is free.
 */
export const restUnchanged: CheckDefinition = {
  name: "rest-unchanged",
  run({ options, reading, weights, newSteps }) {
    const { original } = options;
    const pruned = reading.model;
    const structure = comparable(original.proto, reading);
    const recorded = recordedTensors(pruned, newSteps);
    const judgedElsewhere = new Set([...weights.map((pair) => pair.pruned.tensor), ...recorded]);
    const differences = [
      ...structuralDifferences(structure.original, structure.judged, ""),
      ...metadataDifferences(original, pruned),
      ...tensorDifferences(original, pruned, judgedElsewhere),
      ...recorded.flatMap((tensor) => notFinite(pruned, tensor)),
    ];
    const more = differences.length > SHOWN ? `; ${differences.length} differences in all` : "";
    const and = recorded.length === 0 ? " and" : `, ${counted(recorded.length, "tensor")} recorded as changed, and`;
    return noneAllowed(
      differences.length,
      [`nothing but prunable weights${and} the pruning record differs`, ...storage(reading), ...structure.notes].join(
        "; ",
      ),
      `${differences.slice(0, SHOWN).join("; ")}${more}`,
    );
  },
};

/** How many tensors are not stored as they were, which does not count as a difference. */
function storage({ tensors }: Reading): string[] {
  const count = (how: ReadTensor["how"]): number => [...tensors.values()].filter((one) => one.how === how).length;
  const [decoded, lowered] = [count("decoded"), count("lowered")];
  return [
    ...(decoded > 0 ? [`${counted(decoded, "tensor")} read through decoders`] : []),
    ...(lowered > 0 ? [`${counted(lowered, "tensor")} read from operators in another form`] : []),
  ];
}

/** Tensors of the pruned model that the record calls changed on purpose, such as biases; the check `record` names those it lacks. */
function recordedTensors(pruned: Model, steps: readonly PruningStep[]): TensorProto[] {
  const names = new Set(steps.flatMap(({ changedTensors }) => changedTensors ?? []));
  if (names.size === 0) return [];
  return prunableWeights(pruned).flatMap(({ name, prunable, tensor }) =>
    names.has(name) && !prunable ? [tensor] : [],
  );
}

/** Whatever a bias was changed to, it must be numbers. */
function notFinite(pruned: Model, tensor: TensorProto): string[] {
  const index = tensorValues(pruned, tensor).findIndex((value) => !Number.isFinite(value));
  return index < 0 ? [] : [`"${tensor.name}", recorded as changed, holds NaN or Infinity at ${index}`];
}

function* metadataDifferences(original: Model, pruned: Model): Generator<string> {
  const [before, after] = [metadata(original), metadata(pruned)];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    if (key === PRUNING_RECORD_KEY) continue;
    yield* structuralDifferences(before.get(key), after.get(key), `metadata "${key}"`);
  }
}
