// A door of its own: through the other one the whole sandbox would load before a kernel is started.
export { startEarly } from "./spawn.ts";
