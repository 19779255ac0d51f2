// What the workers share: a photo as a tensor, and an answer for each line on standard input.

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const sharp = require("sharp");
const wasm = require("@tensorflow/tfjs-backend-wasm");

exports.modules = path.join(__dirname, "node_modules");

// TensorFlow.js on WebAssembly, from the files of the package and not from a server.
exports.useWasm = async (tf) => {
  wasm.setWasmPaths(path.join(exports.modules, "@tensorflow/tfjs-backend-wasm/dist/"));
  await tf.setBackend("wasm");
  await tf.ready();
};

// analyze(pixels, height, width) returns the expressions of the faces, given RGB bytes.
exports.answerLines = async (analyze) => {
  const content = fs.readFileSync(process.argv[2]);
  const answer = async () => {
    const began = performance.now();
    const decoded = await sharp(content).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const expressions = await analyze(decoded.data, decoded.info.height, decoded.info.width);
    const seconds = (performance.now() - began) / 1000;
    console.log(JSON.stringify({ seconds, expressions }));
  };
  await answer();
  for await (const _ of readline.createInterface({ input: process.stdin })) await answer();
};
