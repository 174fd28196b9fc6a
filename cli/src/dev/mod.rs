//! `gatelet dev`: the whole backend on one machine.
//!
//! What AWS would run, from the same template: [`template`] reads it, [`database`] and [`tables`] stand for DynamoDB, [`pool`] and
//! [`runtime_api`] for Lambda, [`gateway`] for API Gateway. The functions are their real binaries, several processes of each when requests
//! overlap, so that a race between instances is a real race.

mod authorizer;
mod aws;
mod build;
mod clock;
mod conditions;
mod cors;
mod database;
mod environment;
mod event;
mod gateway;
mod guard;
mod host;
mod instance;
mod intrinsics;
mod invoke_api;
mod jwks;
mod jwt;
mod link;
mod listeners;
mod log;
mod names;
mod npm;
mod options;
mod pages;
mod parameters;
mod pool;
mod progress;
mod provider;
mod queue;
mod ready;
mod record;
mod resources;
mod response;
mod routes;
mod runtime_api;
mod seed;
mod server;
mod shutdown;
mod stacks;
mod tables;
mod template;
mod trace;
mod workspace;
mod yaml;

pub(crate) use options::Options;

use aws::Aws;
use environment::ClientSecrets;
use gateway::Gateway;
use invoke_api::InvokeApi;
use listeners::Listeners;
use log::Log;
use names::Names;
use pages::Pages;
use pool::{Health, Launch, Pool};
use progress::Step;
use provider::ExampleProvider;
use ready::Ready;
use record::Record;
use runtime_api::RuntimeApi;
use shared::access_token::Algorithm;
use shared::config::Tables;
use shared::store::Store;
use stacks::Stacks;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use template::Stack;
use workspace::Workspace;

/// The local stack can't run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevError {
    #[error("port {0} is in use; choose another with --port, or 0 for a free one")]
    PortInUse(u16),
    #[error("cannot listen on a local port")]
    Listen(#[source] std::io::Error),
    #[error(transparent)]
    Workspace(#[from] workspace::WorkspaceError),
    #[error(transparent)]
    Template(#[from] template::TemplateError),
    #[error(transparent)]
    Build(#[from] build::BuildError),
    #[error(transparent)]
    Database(#[from] database::DatabaseError),
    #[error(transparent)]
    Tables(#[from] tables::TableError),
    #[error(transparent)]
    Seed(#[from] seed::SeedError),
    #[error(transparent)]
    Provider(#[from] provider::ProviderError),
    #[error(transparent)]
    Link(#[from] link::LinkError),
    #[error("the function {function} does not start:\n{last_words}")]
    Init { function: String, last_words: String },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

/// Runs a local stack until it is told to stop. Nothing of it is left behind: everything belongs to this process.
pub(crate) async fn run(options: &Options) -> Result<(), DevError> {
    tokio::select! {
        result = serve(options) => result,
        () = shutdown::requested(options.exit_with_stdin) => Ok(()),
    }
}

async fn serve(options: &Options) -> Result<(), DevError> {
    let listeners = Listeners::bind(options.port).await?;
    let port = listeners.port;
    let base_url = format!("http://127.0.0.1:{port}");
    let workspace = Workspace::find().await?;
    let names = Names { stack: &options.stack, region: &options.database.region, base_url: &base_url };
    let provider =
        if options.with_provider { Some(ExampleProvider::start(&workspace, &base_url).await?) } else { None };
    let stacks = Stacks::read(options, &workspace, provider.as_ref())?;

    let declared = stacks.evaluate(names, "")?;
    let binaries = binaries(options, &workspace, &declared).await?;
    let record = Record::open(options.record.as_deref()).map_err(not_written(options.record.as_deref()))?;
    let record = Arc::new(record);
    let database = database::start(&options.database, &record).await?;
    let tables = tables::by_purpose(&declared.tables, &options.stack);
    let applications = prepare(options, &workspace, &declared, &database.aws, &base_url).await?;

    let stack = stacks.evaluate(names, &seed::default_id(&applications, options.seed.default_application))?;
    let secrets = ClientSecrets::of(provider.as_ref());
    let pools = start_functions(options, &stack, &binaries, &database.aws, &secrets, &record).await?;
    let apis = link::apis(&stack);
    let routes = link::routes(&stack, &apis, &pools, names.region)?;
    let pages = Pages::new(&workspace, applications.get("web"), provider.is_some());
    let handler = Gateway { port, apis, routes, invoke_api: InvokeApi(pools), pages: Some(pages) };

    let dynamodb_endpoint = database.aws.endpoint.clone();
    let region = names.region.to_owned();
    let issuer = provider.as_ref().map(|provider| provider.issuer.clone());
    let ready = Ready { base_url, dynamodb_endpoint, region, tables, applications, provider: issuer };
    announce(options, &stack, &database.aws, &ready)?;
    listeners.serve(handler).await;
    Ok(())
}

/// Where the functions' binaries are, built first unless the options say that they are.
async fn binaries(
    options: &Options,
    workspace: &Workspace,
    stack: &Stack,
) -> Result<BTreeMap<String, PathBuf>, DevError> {
    let wanted = stack.functions.iter().map(|function| function.binary.clone()).collect();
    if options.no_build {
        return Ok(build::find(workspace, &wanted, options.release)?);
    }
    eprintln!("Compiling the functions. The first time, this takes a few minutes.");
    Ok(build::build(workspace, &wanted, options.release).await?)
}

/// Creates the tables and what must be in them.
async fn prepare(
    options: &Options,
    workspace: &Workspace,
    stack: &Stack,
    aws: &Aws,
    base_url: &str,
) -> Result<seed::Applications, DevError> {
    let _step = Step::begin("Preparing the tables");
    let client = aws.client();
    tables::create(&client, &stack.tables).await?;
    let store = Store::new(&client, &Tables::of_stack(&options.stack));
    let kept = seed::kept(&options.database, &options.stack, &workspace.target_directory);
    Ok(seed::seed(&store, &options.seed, base_url, kept.as_deref(), algorithm(stack)).await?)
}

/// What the function that makes keys would make them for.
fn algorithm(stack: &Stack) -> Algorithm {
    let chosen = stack.functions.iter().find_map(|function| function.environment.get("GATELET_SIGNING_ALGORITHM"));
    chosen.and_then(|name| Algorithm::from_name(name)).unwrap_or(Algorithm::ES256)
}

/// Starts the Runtime API and one instance of every function, and waits until each has come through its init phase.
async fn start_functions(
    options: &Options,
    stack: &Stack,
    binaries: &BTreeMap<String, PathBuf>,
    aws: &Aws,
    secrets: &ClientSecrets,
    record: &Arc<Record>,
) -> Result<Vec<Arc<Pool>>, DevError> {
    let _step = Step::begin(format!("Starting {} functions", stack.functions.len()));
    let log = Log::open(options.log_file.as_deref());
    let log = Arc::new(log.map_err(not_written(options.log_file.as_deref()))?);
    let listener = server::bind(0).await.map_err(DevError::Listen)?;
    let runtime = listener.local_addr().map_err(DevError::Listen)?;
    let pools = stack.functions.iter().map(|function| {
        Pool::new(Launch {
            environment: environment::of_function(function, aws, secrets),
            binary: binaries.get(&function.binary).cloned().unwrap_or_default(),
            function: function.clone(),
            runtime,
            log: Arc::clone(&log),
            record: Arc::clone(record),
            max_instances: options.max_instances,
        })
    });
    let pools: Vec<_> = pools.collect();
    for pool in &pools {
        record.function(pool.function(), &environment::of_record(pool.function(), aws));
    }
    tokio::spawn(server::serve(listener, Arc::new(RuntimeApi::new(&pools))));
    pools.iter().for_each(Pool::warm_up);
    for pool in &pools {
        if let Health::Broken(last_words) = pool.settled().await {
            return Err(DevError::Init { function: pool.function().label.clone(), last_words });
        }
    }
    Ok(pools)
}

/// Tells programs and people where everything is.
fn announce(options: &Options, stack: &Stack, aws: &Aws, ready: &Ready) -> Result<(), DevError> {
    if let Some(path) = &options.env_file {
        let mut variables = environment::of_aws(aws);
        for (name, value) in stack.functions.iter().flat_map(|function| &function.environment) {
            variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
        ready::write_environment(path, &variables).map_err(not_written(Some(path)))?;
    }
    // Nobody may be listening, which is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{}", ready.banner());
    if let Some(path) = &options.ready_file {
        ready.write(path).map_err(not_written(Some(path)))?;
    }
    Ok(())
}

fn not_written(path: Option<&Path>) -> impl FnOnce(std::io::Error) -> DevError {
    let path = path.map(Path::to_owned).unwrap_or_default();
    move |source| DevError::Write { path, source }
}
