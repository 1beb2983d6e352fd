import type { Model, ValueInfoProto } from "@espalier/onnx";
import { StatisticsError } from "../statistics-error.js";
import { tokenAxes } from "./shapes/token-axes.js";

/**
 * The input that tells which tokens count.
 *
 * @throws {StatisticsError} `bad-option` when it is no input `[batch, seq]` of the model
 */
export function maskInput(model: Model, name: string): ValueInfoProto {
  const inputs = model.proto.graph?.input ?? [];
  const mask = inputs.find((input) => input.name === name);
  if (mask && tokenAxes(mask)) return mask;
  const found = mask
    ? "it is not declared with two sizes"
    : `the inputs are ${inputs.map((input) => JSON.stringify(input.name)).join(", ")}`;
  const message = `The mask ${JSON.stringify(name)} is no input [batch, seq] of the model: ${found}. Name one that is, or none.`;
  throw new StatisticsError("bad-option", message);
}
