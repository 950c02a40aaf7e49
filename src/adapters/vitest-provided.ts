/** What we add to Vitest's own tables of names: values for `provide` and `inject`, and one kind of artifact. */
import type { TestArtifactBase } from 'vitest'
import type { RunInfo } from '../run/run.js'
import type { VmImagesOptions } from './configured-run.js'

/** Stands in the reports of Vitest from 4.0.11 on. Without the disk as an attachment: those are copied. */
export interface OverlayArtifact extends TestArtifactBase {
  readonly type: 'vmimage:overlay'
  readonly image: string
  readonly path: string
}

declare module 'vitest' {
  interface ProvidedContext {
    /** What the global setup tells the workers. Not for tests: they call `useVmImage()`. */
    vmimage?: RunInfo
    /** The options of the global setup, where it is used without the plugin. Plain data only. */
    vmImages?: Omit<VmImagesOptions, 'report' | 'signal' | 'providers'>
  }
  interface TestArtifactRegistry {
    vmimage: OverlayArtifact
  }
}
