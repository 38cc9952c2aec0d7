#!/usr/bin/env node
// The command: any Node reads this file; one that is new enough goes on to the program.
"use strict";

var oldNode = require("./old-node.cjs");

var text = oldNode.complaint(process.versions.node, oldNode.isCheckout());
if (text === undefined) require("../../dist/bin.js");
else {
  process.stderr.write(text + "\n");
  process.exitCode = 2;
}
