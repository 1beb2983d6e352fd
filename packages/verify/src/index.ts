export type {
  Check,
  CheckFigures,
  FailedCheck,
  OutputDistance,
  OutputFigures,
  PassedCheck,
  SkippedCheck,
  SparsityFigures,
} from "./check.js";
export { formatVerification } from "./format-verification.js";
export type { VerifyOptions, VerifyProgress } from "./options.js";
export type { ByModel, Latency, LatencySummary, Verification } from "./verification.js";
export { isVerifyError, VerifyError, type VerifyErrorCode, type VerifyErrorContext } from "./verify-error.js";
export { verifyPruned } from "./verify-pruned.js";
