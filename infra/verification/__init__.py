"""What `infra/verify` does. One module per level: text, deployed, running, privileges."""

import os

# Nothing here may reach an AWS account, or depend on how this machine is set up for one.
for name in [name for name in os.environ if name.startswith(("AWS_", "GATELET_", "SAM_"))]:
    del os.environ[name]
os.environ.update(
    AWS_DEFAULT_REGION="eu-west-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    SAM_CLI_TELEMETRY="0",
)
