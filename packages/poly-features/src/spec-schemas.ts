import { schema, SIZE, type Schema } from '@sublinear/core'

const SCALE = { least: 5e-324, most: 1024 } as const
const DEGREE = { whole: true, least: 0, most: 20 } as const
const WIDE = 'd · t is at most 2^24.'

/** Specs of feature maps by their kind: the JSON that snapshots have under `features`. Arrays of numbers are float32 in base64, but a `centre` of Taylor and minimax features. */
export const specSchemas = {
  taylor: schema({ parameters: { d: SIZE, degree: DEGREE, scale: SCALE, centre: 'text' } }),
  minimax: schema({
    parameters: { d: SIZE, degree: DEGREE, radius: { least: 2 ** -40, most: 8 }, scale: SCALE, centre: 'text' },
  }),
  anisotropic: schema({
    parameters: {
      d: { ...SIZE, most: 2 ** 8 },
      t: { ...SIZE, most: 2 ** 16 },
      scale: SCALE,
      centre: 'text',
      basis: 'text',
      table: 'text',
      block: 'text',
    },
  }),
  random: schema(
    { parameters: { d: SIZE, t: SIZE, scale: SCALE, seed: 'seed', orthogonal: 'text' } },
    {
      [WIDE]: ({ parameters: { d, t } }) => d * t <= 2 ** 24,
      'Where `orthogonal` is `true`, d · t · min(d, t) is at most 2^28.': ({ parameters: { d, t, orthogonal } }) =>
        orthogonal !== 'true' || d * t * Math.min(d, t) <= 2 ** 28,
    },
  ),
  'tensor-sketch': schema(
    { parameters: { d: SIZE, degree: { ...DEGREE, least: 2 }, t: SIZE, scale: SCALE, seed: 'seed' } },
    {
      'd · t is at most 2^20, and t at least d + degree.': ({ parameters: { d, degree, t } }) =>
        d * t <= 2 ** 20 && t >= d + degree,
    },
  ),
  trigonometric: schema(
    { parameters: { d: SIZE, t: { ...SIZE, least: 4 }, scale: SCALE, seed: 'seed' } },
    { 't is even.': ({ parameters: { t } }) => t % 2 === 0, [WIDE]: ({ parameters: { d, t } }) => d * t <= 2 ** 24 },
  ),
  nystrom: schema({
    parameters: {
      d: { ...SIZE, most: 2 ** 20 },
      t: { whole: true, least: 2, most: 4096 },
      scale: SCALE,
      centre: 'text',
      landmarks: 'text',
    },
  }),
} as unknown as Readonly<Record<string, Schema>>
