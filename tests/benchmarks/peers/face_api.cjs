// @vladmandic/face-api: its SSD face detector, 68 landmarks and its expression network.

const path = require("path");
const tf = require("@tensorflow/tfjs");
const faceapi = require("@vladmandic/face-api/dist/face-api.node-wasm.js");
const { answerLines, modules, useWasm } = require("./answering.cjs");

(async () => {
  await useWasm(tf);
  const folder = path.join(modules, "@vladmandic/face-api/model");
  for (const net of ["ssdMobilenetv1", "faceLandmark68Net", "faceExpressionNet"]) {
    await faceapi.nets[net].loadFromDisk(folder);
  }
  await answerLines(async (pixels, height, width) => {
    const image = tf.tensor3d(pixels, [height, width, 3], "int32");
    const faces = await faceapi.detectAllFaces(image).withFaceLandmarks().withFaceExpressions();
    image.dispose();
    return faces.map((face) => face.expressions.asSortedArray()[0].expression);
  });
})();
