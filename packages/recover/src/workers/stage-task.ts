import type { Tensor } from "@espalier/runtime";

/** Main thread → worker: one run of a model, or none any more until the next. */
export type StageTask =
  | { readonly kind: "run"; readonly modelPath: string; readonly feeds: Readonly<Record<string, Tensor>> }
  | { readonly kind: "unload" };

/** Worker → main thread: errors lose their class and fields on the way. */
export type StageAnswer =
  | { readonly status: "done"; readonly outputs: Readonly<Record<string, Tensor>> }
  | { readonly status: "failed"; readonly code: "load-failed" | "run-failed"; readonly message: string };
