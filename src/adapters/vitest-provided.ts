/** What we add to Vitest's own tables of names: values for `provide` and `inject`, and one kind of artifact. */
import type { RunInfo } from '../run/run.js'
import type { VmImagesOptions } from './configured-run.js'

/**
 * Stands in the reports of Vitest from 4.1 on. Without the disk as an attachment: those are copied. The two fields that
 * all artifacts have are written out, because Vitest 3 has no name for them.
 */
export interface OverlayArtifact {
  readonly type: 'vmimage:overlay'
  readonly image: string
  readonly path: string
  readonly attachments?: never[]
  readonly location?: never
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
