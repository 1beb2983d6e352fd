import type { RecoverErrorCode } from "../recover-error.js";
import type { LayerSolution } from "../solve/layer-task.js";

/** What a worker says: errors lose their class and fields on the way between threads. */
export type SolverAnswer =
  | { readonly status: "solved"; readonly solution: LayerSolution }
  | { readonly status: "failed"; readonly code: RecoverErrorCode; readonly message: string };
