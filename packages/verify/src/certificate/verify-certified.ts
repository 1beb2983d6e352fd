import { type Model, modelSize, prunableWeights } from "@espalier/onnx";
import { judgeCertified } from "../checks/certificate.js";
import type { Verification } from "../verification.js";
import { auditCertificate } from "./audit-certificate.js";
import type { Certificate } from "./certificate.js";

/**
 * Judges a model by a certificate alone, without the original: whether the certified masks still hold in it, and which weights
 * have other values now. Runs nothing.
 *
 * @throws {VerifyError} `bad-certificate`
 * @throws {OnnxError} when a weight cannot be read
 */
export function verifyCertified(model: Model, certificate: Certificate): Verification {
  const weights = prunableWeights(model).filter((weight) => weight.prunable);
  const finding = judgeCertified(auditCertificate(weights, certificate));
  return {
    status: finding.status === "failed" ? "failed" : "passed",
    checks: [{ name: "certificate", ...finding }],
    bytes: { original: certificate.verification.bytes.original, pruned: modelSize(model) },
  };
}
