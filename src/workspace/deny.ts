// The deny list: credentials and keys, which no cell may read whatever the roots are. By name only, so it costs nothing per file;
// SECURITY.md repeats it in words. It is a net under honest mistakes: a secret in `notes.txt` is not found by it.

import { withoutCompression } from "./compression.ts";

/** File names, lower case. */
const FILES = new Set([
  ".npmrc",
  ".yarnrc.yml",
  ".pypirc",
  ".netrc",
  "_netrc",
  ".git-credentials",
  ".pgpass",
  ".my.cnf",
  ".mylogin.cnf",
  ".htpasswd",
  ".dockercfg",
  ".s3cfg",
  ".boto",
  ".vault-token",
  ".terraformrc",
  ".databrickscfg",
  ".credentials.json",
  "application_default_credentials.json",
  "rclone.conf",
]);

/** Names by pattern, on the lower-case file name. Public halves of keys (`.pub`) are no secret. */
const FILE_PATTERNS: readonly RegExp[] = [
  /^\.env/u,
  /^id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?(?:[-_][^.]*)?(?:\.(?:old|bak|backup|priv|txt))?$/u,
  /\.(?:pem|key|ppk|p12|pfx|jks|keystore|kdbx)$/u,
];

/** Files that are credentials only where they are: the end of the path, lower case. */
const PLACES: readonly string[] = [
  "/.git/config",
  "/.docker/config.json",
  "/.kube/config",
  "/.cargo/credentials",
  "/.cargo/credentials.toml",
  "/.gem/credentials",
  "/.composer/auth.json",
  "/.config/composer/auth.json",
  "/.config/gh/hosts.yml",
  "/.config/hub",
  "/.m2/settings.xml",
  "/.gradle/gradle.properties",
  "/.nuget/nuget.config",
  "/.terraform.d/credentials.tfrc.json",
  "/.codex/auth.json",
  "/.snowsql/config",
  "/etc/shadow",
  "/etc/gshadow",
  "/etc/sudoers",
];
const PLACE_NAMES = new Set(PLACES.map((place) => place.slice(place.lastIndexOf("/") + 1)));

/** Folders nothing below which is read, lower case. */
const FOLDERS = new Set([".ssh", ".gnupg", ".aws", ".azure", ".gcloud", ".password-store"]);
const FOLDER_PLACES: readonly string[] = ["/.config/gcloud", "/.config/op"];
/** Not files but the system itself: /proc/self/environ holds this process's secrets. */
const SYSTEM_FOLDERS = new Set(["/proc", "/sys", "/dev"]);

/** Is this folder (absolute path of this machine) closed with everything below it? Looks at its own last part only. */
export function isDeniedFolder(path: string): boolean {
  const lower = slashed(path);
  return (
    FOLDERS.has(lower.slice(lower.lastIndexOf("/") + 1)) || SYSTEM_FOLDERS.has(lower) || FOLDER_PLACES.some((end) => lower.endsWith(end))
  );
}

/** Is this file (absolute path of this machine) on the deny list by its own name or place? Folders above it are `isDenied`'s. */
export function isDeniedFile(path: string): boolean {
  // A key is one compressed, too.
  const lower = withoutCompression(slashed(path));
  const name = lower.slice(lower.lastIndexOf("/") + 1);
  if (FILES.has(name) || FILE_PATTERNS.some((pattern) => pattern.test(name))) return true;
  return PLACE_NAMES.has(name) && PLACES.some((end) => lower.endsWith(end));
}

/** The whole question for one path: the file itself and every folder it is in. */
export function isDenied(path: string): boolean {
  if (isDeniedFile(path)) return true;
  const lower = slashed(path);
  for (let end = lower.indexOf("/", 1); end > 0; end = lower.indexOf("/", end + 1)) if (isDeniedFolder(lower.slice(0, end))) return true;
  return isDeniedFolder(lower);
}

/** Systems differ in case and separators; the list does not. */
function slashed(path: string): string {
  return path.replaceAll("\\", "/").toLowerCase();
}
