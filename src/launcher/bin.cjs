#!/usr/bin/env node
// The command: any Node reads this file; one that is new enough goes on to the program.
"use strict";

var path = require("path");
var oldNode = require("./old-node.cjs");

/** In our own folder: no other user can write there, and nothing is left elsewhere. Where we cannot either, Node goes without. */
var COMPILED = path.join(__dirname, "..", "..", "dist", "compiled");

var text = oldNode.complaint(process.versions.node, oldNode.isCheckout());
if (text === undefined) {
  require("module").enableCompileCache(COMPILED);
  require("../../dist/bin.js");
} else {
  process.stderr.write(text + "\n");
  process.exitCode = 2;
}
