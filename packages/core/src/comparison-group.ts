/**
 * Which entries are ranked against each other, so that the same number goes from each group: those of one out channel
 * (`row`), of one weight (`layer`), or of all weights that are pruned together (`model`, where a weight may lose more
 * than another).
 */
export type ComparisonGroup = "row" | "layer" | "model";
