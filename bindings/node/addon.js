// Loads the library: from this folder, which Meson puts together in a build directory; from the package for this
// machine, which npm installs beside this one; or, in the source tree, from its build directory.
"use strict";
const fs = require("fs");
const path = require("path");

const platform = `@quern/${process.platform}-${process.arch}` + (process.platform === "linux" ? "-gnu" : "");

function packageFolder() {
    try {
        return path.dirname(require.resolve(`${platform}/package.json`));
    } catch {
        return null;
    }
}

function find() {
    const built = path.join(__dirname, "..", "..", "build", "bindings", "node");
    for (const folder of [__dirname, packageFolder(), built])
        if (folder !== null && fs.existsSync(path.join(folder, "quern.node")))
            return folder;
    throw new Error(`quern has no library for ${process.platform} on ${process.arch}: install the package ${platform}`);
}

const folder = find();
// The functions of addon/, with the folder that also has the starter model and the list of published models.
module.exports = { ...require(path.join(folder, "quern.node")), folder };
