// @vladmandic/human: its face detector, mesh and expression network; bodies, hands and ages are off.

const fs = require("fs");
const path = require("path");
const tf = require("@tensorflow/tfjs");
const { answerLines, modules, useWasm } = require("./answering.cjs");
// By its path: the package exports only the build that needs TensorFlow's native library.
const { Human } = require(path.join(modules, "@vladmandic/human/dist/human.node-wasm.js"));

// Models are fetched over HTTP alone without TensorFlow's native library; here from the package's folder.
const MODELS = "http://models/";
globalThis.fetch = async (url) => {
  const file = path.join(modules, "@vladmandic/human/models", String(url).replace(MODELS, ""));
  return new Response(fs.readFileSync(file));
};

const OFF = { enabled: false };
const human = new Human({
  backend: "wasm",
  wasmPath: path.join(modules, "@tensorflow/tfjs-backend-wasm/dist/"),
  wasmPlatformFetch: true,
  modelBasePath: MODELS,
  // Answers to the photo before are not used again.
  cacheSensitivity: 0,
  face: { detector: { maxDetected: 100 }, iris: OFF, description: OFF },
  body: OFF,
  hand: OFF,
  gesture: OFF,
});

(async () => {
  await useWasm(tf);
  await human.load();
  await answerLines(async (pixels, height, width) => {
    const image = human.tf.tensor3d(pixels, [height, width, 3], "int32");
    const { face } = await human.detect(image);
    human.tf.dispose(image);
    return face.map((found) => found.emotion?.[0]?.emotion ?? "none");
  });
})();
