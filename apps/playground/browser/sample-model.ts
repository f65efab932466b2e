/** Writes the model that the page offers for a try, one of the small models in ONNX, into public/small-model: `node browser/sample-model.ts`. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { writeSmallModel } from '../../../packages/onnx/test/models/small-model-folder.ts'

const folder = fileURLToPath(new URL('../public/small-model', import.meta.url))
if (!existsSync(`${folder}/onnx/model.onnx`)) writeSmallModel(folder, 'sharp', 'gqa')
