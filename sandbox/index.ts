// The sandbox as the host uses it: transform a cell, hold a kernel, check what it says.
export { bubblewrap } from "./bubblewrap.ts";
export { Kernel, type Death, type Ended, type JobEnd, type KernelOptions } from "./kernel-handle.ts";
export { post as guardPost } from "./guards.ts";
export { isolatedVmVersion, kernelFiles, permissionDeniesNetwork } from "./spawn.ts";
export { transform } from "./transform/index.ts";
export { stopTransform, warmUp } from "./transform/strip.ts";
