/** The version of this package, as recorded in every model it prunes. Equal to package.json's, which a test checks. */
export const VERSION = "0.1.0";
