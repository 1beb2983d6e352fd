export { instrument } from "./instrument.js";
export {
  gramBytes,
  type InstrumentOptions,
  type UnsupportedWeight,
} from "./instrumentation.js";
export { type InputLayout, type LaidOutInput, type LayOutOptions, layOutInputs } from "./lay-out-inputs.js";
