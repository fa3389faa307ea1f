import manifest from "../../package.json";

/** Version of the frontend, as package.json has it. */
export const VERSION = manifest.version;
