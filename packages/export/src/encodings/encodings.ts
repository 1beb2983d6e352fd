import { bitmask } from "./bitmask.js";
import { coo } from "./coo.js";
import { dense } from "./dense.js";
import type { Encoding } from "./encoding.js";
import { gap } from "./gap.js";
import { nm } from "./nm.js";

/** Every way to store a weight. */
export const ENCODINGS: readonly Encoding[] = Object.freeze([dense, bitmask, gap, nm, coo]);
