import { PRUNING_RECORD_KEY } from "@espalier/core";
import { type Model, metadata } from "@espalier/onnx";
import { structuralDifferences } from "../structure.js";
import { tensorDifferences } from "../tensor-differences.js";
import { type CheckDefinition, noneAllowed } from "./check-definition.js";

/** Differences in a message; one mistake of a rewriter often shows in several places. */
const SHOWN = 3;

/**
 * Everything but prunable weights and our own record is as it was: graphs, nodes, attributes, functions, opset imports,
 * metadata, and the numbers of every other tensor. How numbers are stored (which field, which file) is free.
 */
export const restUnchanged: CheckDefinition = {
  name: "rest-unchanged",
  run({ options, weights }) {
    const { original, pruned } = options;
    const judgedElsewhere = new Set(weights.map((pair) => pair.pruned.tensor));
    const differences = [
      ...structuralDifferences(original.proto, pruned.proto, ""),
      ...metadataDifferences(original, pruned),
      ...tensorDifferences(original, pruned, judgedElsewhere),
    ];
    const more = differences.length > SHOWN ? `; ${differences.length} differences in all` : "";
    return noneAllowed(
      differences.length,
      "nothing but prunable weights and the pruning record differs",
      `${differences.slice(0, SHOWN).join("; ")}${more}`,
    );
  },
};

function* metadataDifferences(original: Model, pruned: Model): Generator<string> {
  const [before, after] = [metadata(original), metadata(pruned)];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    if (key === PRUNING_RECORD_KEY) continue;
    yield* structuralDifferences(before.get(key), after.get(key), `metadata "${key}"`);
  }
}
