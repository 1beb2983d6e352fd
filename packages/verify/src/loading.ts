import { backendsOf } from "./backends.js";
import { measureModels } from "./measure-models.js";
import type { VerifyOptions } from "./options.js";
import type { Verification } from "./verification.js";

/** What loading both models takes, from as many processes as options ask; undefined where nobody asks. */
export async function loadingOf(options: VerifyOptions): Promise<Verification["loading"]> {
  const { loads: processes = 0, backend, original, pruned, originalSource, prunedSource } = options;
  if (processes === 0) return undefined;
  const models = [
    typeof originalSource === "string" ? originalSource : original,
    typeof prunedSource === "string" ? prunedSource : pruned,
  ];
  const found = await measureModels(models, { processes, backend: backendsOf(backend)[0] });
  if (!found.ok) return { problem: found.problem };
  const [before, after] = found.loadings;
  return { original: before!, pruned: after! };
}
