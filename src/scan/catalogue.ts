// The built-in scanners by name.
import { QUALITY_SCANNERS, SCANNER_NAMES, SECURITY_SCANNERS } from "../../prelude/contract.ts";

export { QUALITY_SCANNERS, SCANNER_NAMES, SECURITY_SCANNERS };

export function isSecurity(scanner: string): boolean {
  return SECURITY_SCANNERS.some((name) => name === scanner);
}

export function isBuiltIn(scanner: string): boolean {
  return SCANNER_NAMES.some((name) => name === scanner);
}
