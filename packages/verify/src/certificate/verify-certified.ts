import { type Model, modelSize } from "@espalier/onnx";
import { judgeCertified } from "../checks/certificate.js";
import type { Verification } from "../verification.js";
import { auditCertificate } from "./audit-certificate.js";
import type { Certificate } from "./certificate.js";
import { matricesOf } from "./matrices.js";

/**
 * Judges a model by a certificate alone, without the original: whether the certified masks still hold in it, and which weights
 * have other values now. Runs nothing, so weights that decoders compute are missing here; `verifyPruned` reads them too.
 *
 * @throws {VerifyError} `bad-certificate`
 * @throws {OnnxError} when a weight cannot be read
 */
export function verifyCertified(model: Model, certificate: Certificate): Verification {
  const weights = auditCertificate(matricesOf(model), certificate);
  const finding = judgeCertified(weights);
  const isMissing = weights.some(({ status }) => status === "missing");
  const message = isMissing
    ? `${finding.message}; weights that decoders compute are read only beside the original: give both models`
    : finding.message;
  return {
    status: finding.status === "failed" ? "failed" : "passed",
    checks: [{ name: "certificate", ...finding, message }],
    bytes: { original: certificate.verification.bytes.original, pruned: modelSize(model) },
  };
}
