export { applyMasks, applyMasksInSteps, type PruningRun } from "./apply-masks.js";
export { ExportError, type ExportErrorCode, type ExportErrorContext, isExportError } from "./export-error.js";
