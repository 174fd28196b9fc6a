//! The templates that one local stack is made of, and the parameters that differ from a deployment.

use super::DevError;
use super::names::Names;
use super::options::Options;
use super::provider::ExampleProvider;
use super::seed;
use super::template::{Stack, Template, TemplateError};
use super::workspace::Workspace;
use std::collections::BTreeMap;

/// The parameter that says which providers there are.
const PROVIDERS: &str = "OAuthProviders";

/// The project's template, and beside it the example's: an API of a team's own. A template that was chosen stands alone.
pub(crate) struct Stacks {
    main: Template,
    example: Option<Template>,
    parameters: BTreeMap<String, String>,
}

impl Stacks {
    /// Reads the templates.
    pub(crate) fn read(
        options: &Options,
        workspace: &Workspace,
        provider: Option<&ExampleProvider>,
    ) -> Result<Self, DevError> {
        let infra = workspace.root.join("infra");
        let main = options.template.clone().unwrap_or_else(|| infra.join("template.yaml"));
        let example = options.template.is_none().then(|| Template::read(&infra.join("examples/protected-api.yaml")));
        let mut parameters: BTreeMap<String, String> = options.parameters.iter().cloned().collect();
        if let Some(provider) = provider {
            let providers = provider.among(parameters.get(PROVIDERS).map(String::as_str))?;
            parameters.insert(PROVIDERS.to_owned(), providers);
        }
        Ok(Self { main: Template::read(&main)?, example: example.transpose()?, parameters })
    }

    /// Evaluates the templates into one stack.
    pub(crate) fn evaluate(&self, names: Names, default_application: &str) -> Result<Stack, TemplateError> {
        let local = [
            ("Issuer", format!("{}/api/v1/auth", names.base_url)),
            ("AllowedOrigins", seed::page_origins(names.base_url).join(",")),
            ("DefaultApplicationId", default_application.to_owned()),
        ];
        let known = local.into_iter().filter(|(name, _)| self.main.has_parameter(name));
        let mut parameters: BTreeMap<_, _> = known.map(|(name, value)| (name.to_owned(), value)).collect();
        parameters.extend(self.parameters.clone());
        let mut stack = self.main.evaluate(names, &parameters, &BTreeMap::new())?;
        if let Some(example) = &self.example {
            let imports = [("GateletStack", names.stack), ("NativeJwtRoute", "true")];
            let known = imports.into_iter().filter(|(name, _)| example.has_parameter(name));
            let imports = known.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let example_name = format!("{}-example", names.stack);
            stack.merge(example.evaluate(Names { stack: &example_name, ..names }, &imports, &stack.exports)?);
        }
        Ok(stack)
    }
}
