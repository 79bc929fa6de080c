/**
 * The type of the data of each template, by the template's name. `deploy types` fills it in, from the templates
 * themselves (`templates/templates.d.ts`); what is not in it takes any object.
 */
// biome-ignore lint/suspicious/noEmptyInterface: projects add to it, which only an interface allows
export interface Templates {}

/** The data that a template demands: any object for one whose type is not known. */
export type TemplateData<From extends string> = From extends keyof Templates ? Templates[From] : object
