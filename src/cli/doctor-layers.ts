// What stands between a cell and the machine: each layer as on, off with its reason, or not on this system.
import { existsSync } from "node:fs";
import { bubblewrap, permissionDeniesNetwork } from "../../sandbox/index.ts";
import type { SettingName } from "../config/settings.ts";
import type { Finding } from "./doctor-findings.ts";
import type { SettingFinding } from "./doctor-settings.ts";

type State = "on" | "off" | "not on this system";

/** `isRunning`: a cell has just run on this machine, so what every sandbox has is there. */
export function layers(settings: readonly SettingFinding[], isRunning: boolean): Finding[] {
  const isOn = (name: SettingName): boolean => settings.find(({ row }) => row.name === name)?.found?.value === true;
  const always = (key: string, title: string, text: string): Finding =>
    isRunning ? layer(key, title, "on", text) : layer(key, title, "off", "no cell runs here, see above");
  const linux = process.platform === "linux";
  return [
    always("isolate", "isolate", "a V8 isolate with its own heap; only strings cross"),
    always("process", "process", "a child process with TZ and LC_ALL alone in its environment"),
    always("permission", "permissions", "Node's permission model: six files to read, no processes, no workers"),
    always("memory", "memory", "the kernel ends itself past its cap; it looks every 25 ms, the host every 50"),
    outer(isOn("requireBwrap")),
    network(),
    isOn("paranoid")
      ? layer("jitless", "jitless", "on", "V8 makes no machine code")
      : layer("jitless", "jitless", "off", "--paranoid turns it on"),
    linux && existsSync("/proc/self/fd")
      ? layer("descriptors", "descriptors", "on", "files are checked and read on the descriptor that was opened")
      : layer(
          "descriptors",
          "descriptors",
          linux ? "off" : "not on this system",
          "files are checked by their resolved path and again once open",
        ),
  ];
}

function outer(isRequired: boolean): Finding {
  const found = bubblewrap();
  const key = "bubblewrap";
  switch (found.state) {
    case "on":
      return layer(key, key, "on", `${found.program}: no network, no files but the kernel's own, ends with its parent`);
    case "off":
      return { ...layer(key, key, "off", found.reason), ...(isRequired ? REFUSED : {}) };
    case "absent":
      return { ...layer(key, key, "not on this system", "it is Linux's alone"), ...(isRequired ? REFUSED : {}) };
  }
}

/** Asked for, and not to be had: no cell will run. */
const REFUSED = { state: "failed", needed: true } as const;

function network(): Finding {
  const title = "no network";
  if (bubblewrap().state === "on")
    return layer("network", title, "on", "the kernel has a network namespace of its own, with nothing in it");
  return permissionDeniesNetwork()
    ? layer("network", title, "on", "Node's permission model denies it")
    : layer("network", title, "off", "Node 24's permission model does not cover it, and bubblewrap is off");
}

function layer(key: string, title: string, state: State, text: string): Finding {
  return { key: `layer_${key}`, title: `layer: ${title}`, state: state === "on" ? "ok" : "off", text: `${state}: ${text}`, value: state };
}
