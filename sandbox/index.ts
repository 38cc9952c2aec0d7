// The sandbox as the host uses it: transform a cell, hold a kernel, check what it says.
export { bubblewrap } from "./bubblewrap.ts";
export { Batch } from "./batch.ts";
export type { ItemHead, JobEnd } from "./protocol.ts";
export { Kernel, type KernelOptions, type ScanRead } from "./kernel-handle.ts";
export { post as guardPost } from "./guards.ts";
export type { Death, Ended } from "./open-entries.ts";
export { cpuProfile, type CpuProfile, type ProfileNode } from "./profile.ts";
export { SCRIPT_NAME } from "./script-cache.ts";
export { Spare } from "./spare.ts";
export { isolatedVmVersion, kernelFiles, permissionDeniesNetwork, runBare, spawnKernel, type KernelProcess } from "./spawn.ts";
export { transform } from "./transform/index.ts";
export { stopTransform, warmUp } from "./transform/strip.ts";
