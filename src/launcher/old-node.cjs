// One sentence for a Node that is too old, in JavaScript that any Node reads; and as npm's `preinstall`, the place it is said in before
// a dependency's compiler says something longer.
"use strict";

var fs = require("fs");
var path = require("path");

var LEAST = 24;
var ROOT = path.join(__dirname, "..", "..");

/** Undefined where `version` is new enough. */
function complaint(version, inCheckout) {
  if (isNewEnough(version)) return undefined;
  return (
    "rlm-repl: this is Node " +
    version +
    ", and rlm-repl needs Node " +
    LEAST +
    " or newer: " +
    (inCheckout ? "npm run -s rlm-repl -- …" : "npx -y -p node@" + LEAST + " -p rlm-repl rlm-repl") +
    " brings its own, or install a newer Node (https://nodejs.org)"
  );
}

function isNewEnough(version) {
  return parseInt(version, 10) >= LEAST;
}

/** The sources' configuration is in no package. */
function isCheckout() {
  return fs.existsSync(path.join(ROOT, "tsconfig.json"));
}

/** `npx -p node@24 -p rlm-repl` lays the `node` package beside us: that one will run us. */
function hasNodeBeside() {
  var manifest = path.join(ROOT, "..", "node", "package.json");
  return fs.existsSync(manifest) && isNewEnough(JSON.parse(fs.readFileSync(manifest, "utf8")).version);
}

exports.complaint = complaint;
exports.isCheckout = isCheckout;

if (require.main === module && !isCheckout() && !hasNodeBeside()) {
  var text = complaint(process.versions.node, false);
  if (text !== undefined) {
    process.stderr.write(text + "\n");
    process.exitCode = 1;
  }
}
