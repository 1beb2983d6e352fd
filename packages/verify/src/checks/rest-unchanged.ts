import { PRUNING_RECORD_KEY, type PruningStep } from "@espalier/core";
import {
  type Model,
  metadata,
  prunableWeights,
  type TensorProto,
  tensorByteLength,
  tensorBytes,
  tensorValues,
} from "@espalier/onnx";
import { listText } from "../list-text.js";
import { comparable } from "../reading/comparable.js";
import { foldedBiases } from "../reading/folded-biases.js";
import { MainGraph } from "../reading/main-graph.js";
import type { Reading, ReadTensor } from "../reading/reading.js";
import { structuralDifferences } from "../structure.js";
import { tensorDifferences } from "../tensor-differences.js";
import { sameBytes } from "../weight-pairs.js";
import { type CheckDefinition, counted, noneAllowed } from "./check-definition.js";

/** Differences in a message; one mistake of a rewriter often shows in several places. */
const SHOWN = 3;

/**
 * Everything but prunable weights, tensors that the record calls changed, and the record itself is as it was: graphs, nodes, attributes, functions, opset imports,
 * metadata, and the numbers of every other tensor. How numbers are stored (which field, which file, which encoding) is free.
 * Where a weight lost input channels, a bias behind it may hold what they added.
 */
export const restUnchanged: CheckDefinition = {
  name: "rest-unchanged",
  run({ options, reading, weights, newSteps }) {
    const { original } = options;
    const pruned = reading.model;
    const structure = comparable(original, reading);
    const recorded = recordedTensors(pruned, newSteps);
    const foldedInto = foldedBiases(new MainGraph(original), reading);
    const folded = foldedTensors(original, reading, foldedInto);
    const judgedElsewhere = new Set([...weights.map((pair) => pair.pruned.tensor), ...recorded, ...folded]);
    const differences = [
      ...structuralDifferences(structure.original, structure.judged, ""),
      ...metadataDifferences(original, pruned),
      ...tensorDifferences(original, pruned, judgedElsewhere),
      ...constantDifferences(original, reading, new Set([...weights.map(({ name }) => name), ...foldedInto])),
      ...recorded.flatMap((tensor) => notFinite(pruned, tensor, "recorded as changed")),
      ...folded.flatMap((tensor) => notFinite(pruned, tensor, "behind removed channels")),
    ];
    const more = differences.length > SHOWN ? `; ${differences.length} differences in all` : "";
    const and = recorded.length === 0 ? " and" : `, ${counted(recorded.length, "tensor")} recorded as changed, and`;
    return noneAllowed(
      differences.length,
      [
        `nothing but prunable weights${and} the pruning record differs`,
        ...storage(reading, folded),
        ...structure.notes,
      ].join("; "),
      `${differences.slice(0, SHOWN).join("; ")}${more}`,
    );
  },
};

/** How many tensors are not stored as they were, which does not count as a difference. */
function storage({ tensors }: Reading, folded: readonly TensorProto[]): string[] {
  const count = (how: ReadTensor["how"]): number => [...tensors.values()].filter((one) => one.how === how).length;
  const [decoded, lowered, narrowed, moved] = [count("decoded"), count("lowered"), count("narrowed"), count("moved")];
  const names = listText(folded.map(({ name }) => `"${name}"`));
  return [
    ...(decoded > 0 ? [`${counted(decoded, "tensor")} read through decoders`] : []),
    ...(lowered > 0 ? [`${counted(lowered, "tensor")} read from lowered operators`] : []),
    ...(moved > 0
      ? [`${counted(moved, "Constant")} stored as ${moved === 1 ? "an initializer" : "initializers"}`]
      : []),
    ...(narrowed > 0 ? [`${counted(narrowed, "tensor")} read without removed channels`] : []),
    ...(folded.length > 0 ? [`removed channels may have gone into ${names} (outputs decide)`] : []),
  ];
}

/** Tensors that differ because constant channels in front of them may have been removed. */
function foldedTensors(original: Model, reading: Reading, names: ReadonlySet<string>): TensorProto[] {
  const before = new MainGraph(original);
  const after = new MainGraph(reading.model);
  return [...names].flatMap((name) => {
    const [was, is] = [before.tensors.get(name), after.tensors.get(name)];
    if (was === undefined || is === undefined || tensorByteLength(was) !== tensorByteLength(is)) return [];
    return sameBytes(tensorBytes(original, was), tensorBytes(reading.model, is)) ? [] : [is];
  });
}

/** Of tensors that stood in `Constant` nodes and were read another way: the place of others is their own. */
function* constantDifferences(
  original: Model,
  { tensors }: Reading,
  judgedElsewhere: ReadonlySet<string>,
): Generator<string> {
  const initializers = new Set(original.proto.graph?.initializer);
  for (const [name, { original: tensor, bytes }] of tensors) {
    if (judgedElsewhere.has(name) || initializers.has(tensor)) continue;
    if (!sameBytes(tensorBytes(original, tensor), bytes())) yield `Constant "${name}" has other numbers`;
  }
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
function notFinite(pruned: Model, tensor: TensorProto, why: string): string[] {
  const index = tensorValues(pruned, tensor).findIndex((value) => !Number.isFinite(value));
  return index < 0 ? [] : [`"${tensor.name}", ${why}, holds NaN or Infinity at ${index}`];
}

function* metadataDifferences(original: Model, pruned: Model): Generator<string> {
  const [before, after] = [metadata(original), metadata(pruned)];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    if (key === PRUNING_RECORD_KEY) continue;
    yield* structuralDifferences(before.get(key), after.get(key), `metadata "${key}"`);
  }
}
