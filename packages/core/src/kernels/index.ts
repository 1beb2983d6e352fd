export {
  applyMaskBits,
  nmMask,
  nmMaskAndApply,
  selectAndApply,
  selectSmallest,
  selectSmallestAcross,
} from "./default-kernels.js";
